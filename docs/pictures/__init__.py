"""The pictures of the help pages: drawn people, and what our own nodes make of them."""
