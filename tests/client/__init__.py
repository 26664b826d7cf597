"""The client module outside of a browser: in Node, as a package, and by its types."""
