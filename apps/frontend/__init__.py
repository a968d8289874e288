"""The storefront: pages of the shop rendered on the server, with everything they show asked from the backend."""
