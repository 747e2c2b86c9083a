// The theme hides a page until its scripts are there, and browsers give the focus to nothing that is hidden.
window.addEventListener("load", () => {
  const wanted = document.querySelector("[autofocus]");
  if (wanted && document.activeElement === document.body) wanted.focus();
});
