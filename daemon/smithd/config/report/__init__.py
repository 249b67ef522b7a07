"""What a person is shown of the mistakes in a file, without the secrets in it."""
