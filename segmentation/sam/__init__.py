"""SAM, the user's own: garments and masks found by others get the outlines that it sees."""

from .garments import refine_garments as refine_garments
from .masks import refine_masks as refine_masks
from .model import Sam as Sam
from .model import load_sam as load_sam
