"""The words of data sets and models, and what each means in the canonical vocabulary.

A word without a canonical label (None) is known and left out: parts of a garment, which belong to the garment that
holds them, things that nobody wears, and underwear, which is never the target of a new garment.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..tensors import check_name, unknown_name
from .vocabulary import LABELS

BACKGROUND = "background"
# What networks call the pixels of nothing.
BACKGROUND_WORDS = ("background", "null", "unlabelled", "unlabeled", "unlabel", "void")

Words = Mapping[str, str | None]


def _words(*groups: tuple[str | None, str]) -> Words:
    return {word.strip(): label for label, words in groups for word in words.split("|")}


CCP = _words(
    (BACKGROUND, "null"),
    ("skin", "skin"),
    ("hair", "hair"),
    ("upper", "blouse|bra|hoodie|jumper|shirt|sweater|sweatshirt|t-shirt|top|vest"),
    ("outer", "blazer|cape|cardigan|coat|jacket|suit"),
    ("pants", "jeans|pants|shorts"),
    ("skirt", "skirt"),
    ("dress", "bodysuit|dress|romper|swimwear"),
    ("footwear", "boots|clogs|flats|heels|loafers|pumps|sandals|shoes|sneakers|wedges"),
    ("legwear", "leggings|socks|stockings"),
    ("headwear", "hat"),
    ("neckwear", "scarf|tie"),
    ("bag", "bag|purse|wallet"),
    ("accessory", "accessories|belt|bracelet|earrings|glasses|gloves|necklace|ring|sunglasses|watch"),
    (None, "intimate|panties|tights"),
)
"""Clothing Co-Parsing (Yang et al., CVPR 2014). `suit` is a suit's jacket, `bra` a top worn as one, `romper` holds
jumpsuits. As pixels `tights` marks whole outfits and neckties at random, so it means nothing."""

ATR = _words(
    (BACKGROUND, "Background"),
    ("headwear", "Hat"),
    ("hair", "Hair"),
    ("accessory", "Sunglasses|Belt"),
    ("upper", "Upper-clothes"),
    ("skirt", "Skirt"),
    ("pants", "Pants"),
    ("dress", "Dress"),
    ("footwear", "Left-shoe|Right-shoe"),
    ("face", "Face"),
    ("legs", "Left-leg|Right-leg"),
    ("arms", "Left-arm|Right-arm"),
    ("bag", "Bag"),
    ("neckwear", "Scarf"),
)
"""ATR, 18 classes (Liang et al., PAMI 2015). `Upper-clothes` holds coats, arms and legs hold hands and stockings."""

LIP = _words(
    (BACKGROUND, "Background"),
    ("headwear", "Hat"),
    ("hair", "Hair"),
    ("accessory", "Glove|Sunglasses"),
    ("upper", "Upper-clothes"),
    ("dress", "Dress|Jumpsuits"),
    ("outer", "Coat"),
    ("legwear", "Socks"),
    ("pants", "Pants"),
    ("neckwear", "Scarf"),
    ("skirt", "Skirt"),
    ("face", "Face"),
    ("arms", "Left-arm|Right-arm"),
    ("legs", "Left-leg|Right-leg"),
    ("footwear", "Left-shoe|Right-shoe"),
)
"""Look into Person, 20 classes (Gong et al., CVPR 2017)."""

CIHP = {**{word: label for word, label in LIP.items() if word != "Jumpsuits"}, "Torso-skin": "skin"}
"""Crowd Instance-level Human Parsing, 20 classes (Gong et al., ECCV 2018): LIP's, but bare torso for jumpsuits."""

FASHN = _words(
    (BACKGROUND, "background"),
    ("upper", "top"),
    ("dress", "dress"),
    ("skirt", "skirt"),
    ("pants", "pants"),
    ("footwear", "feet"),
    ("headwear", "hat"),
    ("neckwear", "scarf"),
    ("bag", "bag"),
    ("accessory", "belt|glasses|jewelry"),
    ("hair", "hair"),
    ("face", "face"),
    ("arms", "arms"),
    ("hands", "hands"),
    ("legs", "legs"),
    ("skin", "torso"),
)
"""The 18 classes of FASHN's human parser. It has no word for shoes: `feet` are shod or bare."""

DEEPFASHION2 = _words(
    ("upper", "short sleeve top|long sleeve top|vest|sling"),
    ("outer", "short sleeve outwear|long sleeve outwear"),
    ("pants", "shorts|trousers"),
    ("skirt", "skirt"),
    ("dress", "short sleeve dress|long sleeve dress|vest dress|sling dress"),
)
"""DeepFashion2, 13 classes (Ge et al., CVPR 2019)."""

FASHIONPEDIA = _words(
    ("upper", "shirt, blouse|top, t-shirt, sweatshirt|sweater|vest"),
    ("outer", "cardigan|jacket|coat|cape"),
    ("pants", "pants|shorts"),
    ("skirt", "skirt"),
    ("dress", "dress|jumpsuit"),
    ("accessory", "glasses|glove|watch|belt|umbrella"),
    ("headwear", "hat|headband, head covering, hair accessory"),
    ("neckwear", "tie|scarf"),
    ("legwear", "leg warmer|tights, stockings|sock"),
    ("footwear", "shoe"),
    ("bag", "bag, wallet"),
    (None, "hood|collar|lapel|epaulette|sleeve|pocket|neckline|buckle|zipper|applique|bead|bow|flower|fringe|ribbon"),
    (None, "rivet|ruffle|sequin|tassel"),
)
"""Fashionpedia, 27 garments and 19 parts of garments (Jia et al., ECCV 2020)."""

MODANET = _words(
    ("bag", "bag"),
    ("accessory", "belt|sunglasses"),
    ("footwear", "boots|footwear"),
    ("outer", "outer"),
    ("dress", "dress"),
    ("pants", "pants|shorts"),
    ("upper", "top"),
    ("skirt", "skirt"),
    ("headwear", "headwear"),
    ("neckwear", "scarf/tie"),
)
"""ModaNet, 13 classes (Zheng et al., ACM MM 2018)."""

COCO = _words(
    ("bag", "backpack|handbag"),
    ("neckwear", "tie"),
    ("accessory", "umbrella"),
    (None, "person|suitcase"),
)
"""Those of COCO's 80 classes that have to do with clothes; every other word of it means nothing here."""

TAXONOMIES: dict[str, Words] = {
    "ccp": CCP,
    "atr": ATR,
    "lip": LIP,
    "cihp": CIHP,
    "fashn": FASHN,
    "deepfashion2": DEEPFASHION2,
    "fashionpedia": FASHIONPEDIA,
    "modanet": MODANET,
    "coco": COCO,
}

NUMBERED: dict[str, tuple[str, ...]] = {
    "atr": (
        "Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe",
        "Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf",
    ),
    "lip": (
        "Background", "Hat", "Hair", "Glove", "Sunglasses", "Upper-clothes", "Dress", "Coat", "Socks", "Pants",
        "Jumpsuits", "Scarf", "Skirt", "Face", "Left-arm", "Right-arm", "Left-leg", "Right-leg", "Left-shoe",
        "Right-shoe",
    ),
    "cihp": (
        "Background", "Hat", "Hair", "Glove", "Sunglasses", "Upper-clothes", "Dress", "Coat", "Socks", "Pants",
        "Torso-skin", "Scarf", "Skirt", "Face", "Left-arm", "Right-arm", "Left-leg", "Right-leg", "Left-shoe",
        "Right-shoe",
    ),
    "fashionpedia": (
        "unlabelled", "shirt, blouse", "top, t-shirt, sweatshirt", "sweater", "cardigan", "jacket", "vest", "pants",
        "shorts", "skirt", "coat", "dress", "jumpsuit", "cape", "glasses", "hat",
        "headband, head covering, hair accessory", "tie", "glove", "watch", "belt", "leg warmer", "tights, stockings",
        "sock", "shoe", "bag, wallet", "scarf", "umbrella", "hood", "collar", "lapel", "epaulette", "sleeve", "pocket",
        "neckline", "buckle", "zipper", "applique", "bead", "bow", "flower", "fringe", "ribbon", "rivet", "ruffle",
        "sequin", "tassel",
    ),
}  # fmt: skip
"""The words of taxonomies in the order in which networks number them; Fashionpedia's after one for no garment."""

_TOPS = ("upper", "outer", "dress")
_ALL = (*_TOPS, "pants", "skirt", "footwear", "legwear", "headwear", "neckwear", "bag", "accessory")
PART_OWNERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("hood", "collar", "lapel", "epaulette", "sleeve", "neckline"), _TOPS),
    **dict.fromkeys(
        ("pocket", "buckle", "zipper", "applique", "bead", "bow", "flower", "fringe", "ribbon", "rivet", "ruffle",
         "sequin", "tassel"), _ALL,
    ),
}  # fmt: skip
"""Words for parts of garments, and the canonical labels of the garments that may hold one."""


def find_label(word: str) -> str | None:
    """What `canonical_label` says of a word in the first taxonomy that knows it; canonical labels mean themselves.

    Raises `UnknownName` for a word that nobody knows.
    """
    plain = plain_word(word)
    if plain in BACKGROUND_WORDS:
        return BACKGROUND
    known = {plain_word(name): label for words in reversed(TAXONOMIES.values()) for name, label in words.items()}
    if plain not in known and plain not in LABELS:
        raise unknown_name("Word", word, known)
    return plain if plain in LABELS else known[plain]


def canonical_label(word: str, taxonomy: str) -> str | None:
    """The canonical label of a native word, "background" for the ground, None for what is left out.

    Case, and hyphens or underscores for blanks, do not matter. Raises `UnknownName` for a taxonomy or a word that
    nobody knows; COCO's other words are left out instead.
    """
    words = TAXONOMIES[check_name("Taxonomy", taxonomy, TAXONOMIES)]
    plain = {plain_word(known): label for known, label in words.items()}
    if plain_word(word) not in plain and taxonomy != "coco":
        raise unknown_name(f"{taxonomy} label", word, words)
    return plain.get(plain_word(word))


def plain_word(word: str) -> str:
    """The word as words are compared: case, and hyphens or underscores for blanks, do not matter."""
    return " ".join(word.lower().replace("-", " ").replace("_", " ").split())
