"""The demo shop's two models: how they are trained or converted, and how good they are."""
