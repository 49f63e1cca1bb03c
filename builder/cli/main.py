"""The ``optbuild`` executable: the commands in the order in which a person meets them.

The one place that maps errors to stderr and exit codes.
"""

from __future__ import annotations
