"""Slots: which Live Activities may be on the phone, for it holds only a few at once.

``allocate`` is the decision. ``demand`` is what goes into it, ``decision`` what comes out, ``memory`` what must be
remembered, and ``settled`` what the replies to the requests that follow from it mean.
"""
