"""The steps from one version of the state to the next, and ``head.sql``: the tables that all of them together make.

A new step is a file in ``versions`` whose ``down_revision`` is the newest before it. Then ``HEAD`` in
``storage.migration`` is changed, and ``head.sql`` is written anew by ``python -m smithd.storage.migrations``.
"""
