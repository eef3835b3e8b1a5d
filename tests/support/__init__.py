"""What tests share: fakes and builders, no tests."""
