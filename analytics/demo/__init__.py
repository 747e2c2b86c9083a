"""A shop worth looking at: made-up products, people and a believable history. Development only."""
