"""One experiment a file: the protocol with its declaration, and its plot."""
