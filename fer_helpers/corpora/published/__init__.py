"""Published corpora, one module each, read as their authors distribute them."""
