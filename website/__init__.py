"""The site: notebooks as committed, docs and docstrings as static pages, by Sphinx."""
