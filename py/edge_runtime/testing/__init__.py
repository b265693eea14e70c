"""What users' own tests need: a fake host and a clock that moves when told."""
