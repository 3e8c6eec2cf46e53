"""What every test shares: how Hypothesis searches."""

from hypothesis import settings

# A law is not false because the machine was busy while it was tried.
settings.register_profile("turnkeep", deadline=None, print_blob=True)
settings.load_profile("turnkeep")
