"""What Python looks through for garbage."""

import gc


def keep_what_is_loaded() -> None:
    """All that is loaded stays: to look through it, as Python does after so many new objects, takes 0.1 to 0.2 s each
    time, for which a request or a job would wait.
    """
    gc.collect()
    gc.freeze()
