"""What else a collection's vectors are good for: clusters, a map, scales, sums of meanings.

Each module computes on vectors alone; `points` reads them from the store.
"""

from __future__ import annotations

from rag.explore.points import Points, load_points

__all__ = ["Points", "load_points"]
