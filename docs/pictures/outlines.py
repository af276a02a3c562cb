"""The outlines of a drawn person and of clothes, and the folds on them.

In thousandths of the person's height, x from the middle, y from the crown; of what comes in pairs the right one.
"""

from __future__ import annotations

from .drawing import Fold, Point, mirrored


def points(numbers: str) -> tuple[Point, ...]:
    """x and y in turn."""
    values = [float(number) / 1000 for number in numbers.split()]
    return tuple(zip(values[::2], values[1::2], strict=True))


def fold(width: float, strength: float, numbers: str) -> Fold:
    """A soft line: its width in thousandths, how much it darkens, and its points."""
    return Fold(points(numbers), width / 1000, strength)


HEAD = mirrored(points("0 12  30 21  43 52  42 84  34 114  16 133  0 136"))
HAIR_BACK = mirrored(points("0 -6  34 0  56 30  62 80  62 130  46 158  24 140  0 120"))
FRINGE = points("4 26  26 36  38 64  44 95  52 70  47 26  26 2  0 -4  -26 2  -47 26  -52 70  -44 95  -40 60  -24 40")
NECK = mirrored(points("0 100  21 105  21 140  37 160  24 182  0 190"))
TOP = mirrored(points("0 180  22 172  36 156  66 171  90 188  88 245  77 310  74 350  84 420  88 472  50 478  0 480"))
SLEEVE = points("63 170  90 178  108 198  117 250  124 330  131 410  133 450  107 456  103 410  92 340  82 275  71 230")
HAND = points("112 440  132 440  136 470  132 500  122 522  113 520  109 498  102 494  102 476")
LEG = points("-10 450  78 450  90 520  86 620  78 740  76 850  74 930  34 932  30 850  24 740  14 620  0 565")
SHOE = points("40 922  68 922  82 950  90 976  80 990  50 990  36 978  36 950")
SOLE = points("36 976  60 981  90 974  90 986  78 993  50 993  36 988")
COAT = points(
    "34 158  68 169  94 186  95 250  89 330  98 440  112 560  120 664  75 674  34 670  32 520  33 400  32 290  40 215"
)
LAPEL = points("34 152  60 170  57 208  72 222  36 310  33 300  40 215")
SKIRT = mirrored(points("0 450  76 450  92 520  106 620  116 690  60 700  0 702"))
SHIN = points("22 640  72 640  70 740  72 800  62 880  60 940  40 940  38 880  30 800  30 740")
COLLAR = points("-35 152  -22 174  0 182  22 174  35 152  42 158  27 183  0 193  -27 183  -42 158")
TOP_FOLDS = (
    fold(10, 0.2, "70 260  40 290  10 300"),
    fold(10, 0.2, "-74 255  -50 290  -20 310"),
    fold(9, 0.18, "72 330  30 360  -20 355"),
    fold(10, 0.18, "-72 345  -40 375  10 390"),
    fold(10, 0.14, "75 400  40 420  0 425"),
    fold(16, -0.08, "-30 220  -34 300  -26 440"),
    fold(2.5, 0.3, "-86 455  0 463  86 455"),
)
SLEEVE_FOLDS = (
    fold(8, 0.25, "92 200  80 240  76 262"),
    fold(6, 0.28, "119 310  100 322  94 316"),
    fold(6, 0.24, "124 345  105 352  96 344"),
    fold(5, 0.2, "128 420  108 424"),
    fold(2.5, 0.35, "133 440  107 446"),
    fold(6, -0.1, "106 215  114 300  124 410"),
)
LEG_FOLDS = (
    fold(7, 0.28, "4 540  30 530  60 505"),
    fold(7, 0.24, "6 556  30 560  50 550"),
    fold(8, -0.14, "56 540  52 700  54 900"),
    fold(6, 0.26, "30 720  50 735  72 728"),
    fold(6, 0.2, "32 750  52 758  74 748"),
    fold(6, 0.22, "34 880  54 890  74 882"),
    fold(5, 0.24, "34 915  54 922  74 914"),
    fold(3, 0.35, "70 470  74 500  66 520"),
    fold(10, 0.22, "10 560  20 640  28 760"),
)
SHOE_LACES = (
    fold(2.5, 0.3, "50 940  70 943"),
    fold(2.5, 0.3, "50 949  70 952"),
    fold(2.5, 0.3, "50 958  70 961"),
)
COAT_SEAMS = (
    fold(3, 0.5, "100 470  78 480  62 478"),
    fold(9, 0.3, "88 330  60 350  40 345"),
    fold(8, 0.3, "80 500  88 580  92 660"),
    fold(10, -0.16, "56 400  58 520  56 650"),
    fold(6, 0.5, "92 200  86 235  90 262"),
)
FINGER = (fold(2, 0.22, "116 500  115 516"),)
CHIN_SHADOW = (fold(14, 0.3, "-20 138  0 150  20 138"),)
CHEEKS = (fold(10, 0.06, "-22 94  -24 100"), fold(10, 0.06, "22 94  24 100"))
EYE = points("11 76  18 72  26 76  18 80")
EYELID = points("9 76.5  18 70.5  28.5 76.5  18 73.5")
PUPIL = points("18.5 71.8  21.5 73  22.7 76  21.5 79  18.5 80.2  15.5 79  14.3 76  15.5 73")
BROW = points("10 64  19 60  29 65  19 63")
NOSE = points("-2 84  4 97  0 101  -6 100  1 97")
LIPS = points("-14 113  -5 110  0 112  5 110  14 113  7 119  -7 119")
STRANDS = tuple(
    fold(4, 0.25 if number % 2 else -0.25, f"{x} 4  {1.5 * x} 30  {1.9 * x} 80  {1.8 * x} 150")
    for number, x in enumerate((-28, -16, -4, 10, 22, 31))
)
PLEATS = tuple(
    fold(6, 0.24 if number % 2 else -0.12, f"{0.55 * x} 470  {0.85 * x} 570  {x} 695")
    for number, x in enumerate((-95, -75, -50, -26, 0, 26, 50, 75, 97))
)
