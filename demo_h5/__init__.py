"""The demo shop: pages, tasks and models that use the runtime the way a site would."""
