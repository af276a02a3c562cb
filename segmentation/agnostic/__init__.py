"""Where a new garment may lie: the area to repaint when somebody is to wear something else."""

from __future__ import annotations

from .area import AgnosticArea as AgnosticArea
from .area import agnostic_area as agnostic_area
from .cuts import CUTS as CUTS
from .cuts import REGIONS as REGIONS
from .silhouette import SILHOUETTES as SILHOUETTES
