"""The demo corpus, rendered by the project: nobody's picture, and the intended expression is known."""
