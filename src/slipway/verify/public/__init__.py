"""Checks of what the public gets, made through its own addresses before anybody is told of a release."""

from slipway.verify.public.planning import ACTIONS, plan_public, plan_public_pointers

__all__ = ["ACTIONS", "plan_public", "plan_public_pointers"]
