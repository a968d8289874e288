"""What the pages may ask for, in the shop's own words; each service speaks to the backend through the client."""
