"""What a caption says of parts of the body in so many words, as conditions."""
