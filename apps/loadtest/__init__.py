"""The load generator: virtual shoppers on Locust, profiles as data, and one exact record of what came out."""
