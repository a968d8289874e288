"""The AWS stand-in of the embedded default and of the tests: AWS APIs, and nothing but AWS APIs, on this machine."""
