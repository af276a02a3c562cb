"""Which picture, overlay and mask belong together."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hemline.errors import BadFile, UnknownName
from hemline.pairing import (
    PICTURE_SUFFIXES,
    Pattern,
    check_inside,
    check_template,
    fill_template,
    natural_key,
    pair_files,
    stem_of,
    suffix_of,
)

words = st.text("abcXYZ019 é-", min_size=1, max_size=6).filter(lambda word: not word.startswith("-"))
stems = st.lists(words, min_size=1, max_size=3).map("/".join)
suffixes = st.sampled_from(PICTURE_SUFFIXES)


def folded(items):
    return len({item.casefold() for item in items}) == len(items)


def paired(images, masks, image_pattern="a/**/*", mask_pattern="b/**/*", kind="mask"):
    return pair_files(images, Pattern(image_pattern), {kind: (masks, Pattern(mask_pattern))})


def partners(pairing, kind="mask"):
    return {pair.image: pair.partners.get(kind) for pair in pairing.pairs}


# --- pairing ---------------------------------------------------------------------------------------------------------


@given(st.lists(stems, min_size=1, max_size=8, unique_by=str.casefold), st.data())
def test_every_picture_gets_the_file_of_its_stem_whatever_the_order_suffix_and_case(names, data):
    assume(not any(name.endswith(("-mask", " mask")) for name in names))
    images = [f"a/{name}{data.draw(suffixes)}" for name in names]
    masks = [f"b/{data.draw(st.sampled_from([name, name.upper()]))}{data.draw(suffixes)}" for name in names]
    assume(all(name.upper().casefold() == name.casefold() for name in names))
    shuffled = data.draw(st.permutations(masks))
    pairing = paired(data.draw(st.permutations(images)), shuffled)
    assert partners(pairing) == dict(zip(images, masks, strict=True)) and not pairing.unused
    assert [pair.image for pair in pairing.pairs] == sorted(images, key=natural_key)


@given(st.lists(words, min_size=1, max_size=8, unique_by=str.casefold), st.data())
def test_no_file_is_lost_and_none_is_given_twice(names, data):
    some = data.draw(st.lists(st.sampled_from(names), unique=True))
    images, masks = [f"a/{name}.jpg" for name in names], [f"b/{name}.png" for name in some]
    pairing = paired(images, masks)
    used = [mask for mask in partners(pairing).values() if mask]
    assert sorted(used + [file for _, file in pairing.unused]) == sorted(masks) and len(set(used)) == len(used)
    lacking = {pair.image for pair in pairing.pairs if pair.missing}
    assert lacking == {f"a/{name}.jpg" for name in names if name not in some}


@given(st.lists(stems, min_size=1, max_size=8, unique_by=str.casefold))
def test_names_are_unique_and_keep_their_folders(names):
    pairing = paired([f"a/{name}.jpg" for name in names], [])
    assert sorted(pair.name for pair in pairing.pairs) == sorted(names)


@pytest.mark.parametrize(
    "mask",
    [
        "coat.png", "COAT.TIF", "coat_mask.png", "coat-mask.png", "coat.mask.png", "coat mask.png", "Coat_Mask.PNG",
        "coat_masks.png", "coat_matte.png", "coat.jpg.png", "deep/down/coat.png", "deep/coat_mask.png",
    ],
)  # fmt: skip
def test_the_fields_habits_of_naming_a_mask_are_known(mask):
    assert partners(paired(["a/coat.jpg", "a/hat.jpg"], [f"b/{mask}"])) == {
        "a/coat.jpg": f"b/{mask}",
        "a/hat.jpg": None,
    }


def test_overlays_have_words_of_their_own():
    assert partners(paired(["a/x.jpg"], ["b/x_overlay.png"], kind="overlay"), "overlay") == {
        "a/x.jpg": "b/x_overlay.png"
    }
    assert paired(["a/x.jpg"], ["b/x_mask.png"], kind="overlay").unused == (("overlay", "b/x_mask.png"),)


def test_pictures_and_masks_may_lie_in_one_folder():
    files = ["coat.jpg", "coat_mask.png", "hat.png", "hat_mask.png"]
    pairing = paired(files, ["coat_mask.png", "hat_mask.png"], "*", "*_mask.png")
    assert partners(pairing) == {"coat.jpg": "coat_mask.png", "hat.png": "hat_mask.png"}


def test_the_folder_decides_where_stems_are_the_same():
    images = ["a/coats/1.jpg", "a/hats/1.jpg"]
    pairing = paired(images, ["b/hats/1.png", "b/coats/1_mask.png"])
    assert partners(pairing) == {"a/coats/1.jpg": "b/coats/1_mask.png", "a/hats/1.jpg": "b/hats/1.png"}


def test_a_stem_that_two_pictures_have_is_never_guessed():
    pairing = paired(["a/coats/1.jpg", "a/hats/1.jpg"], ["b/1.png"])
    assert set(partners(pairing).values()) == {None} and pairing.unused == (("mask", "b/1.png"),)


def test_a_picture_that_is_called_as_a_mask_keeps_its_own_mask():
    pairing = paired(["a/coat.jpg", "a/coat_mask.jpg"], ["b/coat.png", "b/coat_mask.png"])
    assert partners(pairing) == {"a/coat.jpg": "b/coat.png", "a/coat_mask.jpg": "b/coat_mask.png"}


def test_a_file_named_without_wildcards_is_for_all():
    pairing = paired(["a/1.jpg", "a/2.jpg"], ["b/vignette.png"], mask_pattern="b/vignette.png")
    assert set(partners(pairing).values()) == {"b/vignette.png"} and not pairing.unused


def test_a_single_file_found_by_wildcards_is_not_for_all():
    assert paired(["a/1.jpg", "a/2.jpg"], ["b/3.png"]).pairs[0].missing == ("mask",)


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        (["a/coat.jpg"], ["b/coat.png", "b/coat.tif"], "a/coat.jpg has two masks, b/coat.png and b/coat.tif"),
        (["a/coat.jpg"], ["b/coat.png", "b/coat_mask.png"], "a/coat.jpg has two masks"),
        (["a/coat.jpg", "a/coat.png"], ["b/coat.png"], "the mask b/coat.png fits a/coat.jpg and a/coat.png"),
        (["a/Coat.jpg", "a/coat.jpg"], [], "a/Coat.jpg and a/coat.jpg would both be called"),
    ],
)
def test_what_cannot_be_told_apart_is_an_error_that_names_both(images, masks, message):
    with pytest.raises(BadFile, match=message):
        paired(images, masks)


def test_pictures_that_differ_in_their_suffix_keep_it_in_their_names():
    assert [pair.name for pair in paired(["a/coat.jpg", "a/coat.png", "a/hat.png"], []).pairs] == [
        "coat_jpg", "coat_png", "hat",
    ]  # fmt: skip


# --- order -----------------------------------------------------------------------------------------------------------


def test_numbers_count_as_numbers_and_case_does_not_count():
    wanted = ["img1.jpg", "Img2.jpg", "img10.jpg", "img10b.jpg", "x/1.jpg", "x/2/1.jpg", "x/10.jpg"]
    for seed in range(5):
        mixed = random.Random(seed).sample(wanted, len(wanted))
        assert sorted(mixed, key=natural_key) == wanted


@given(st.lists(st.text(max_size=12), unique=True, max_size=10), st.randoms())
def test_the_order_is_total_and_never_hangs_on_the_order_of_a_listing(names, dice):
    mixed = dice.sample(names, len(names))
    assert sorted(mixed, key=natural_key) == sorted(names, key=natural_key)


def test_digits_without_end_are_sorted_too():
    assert natural_key("9" * 100_000) > natural_key("8" * 100_000) > natural_key("9" * 99_999)


# --- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "found", "passed_over"),
    [
        ("*", ["a.jpg", "B.PNG"], ["a.txt", "a/b.jpg", ".a.jpg", "jobs.yaml", "x.zip"]),
        ("*.JPG", ["a.jpg", "b.JPG"], ["a.jpeg", "a.png"]),
        ("photos/*", ["photos/a.jpg", "Photos/a.jpg"], ["a.jpg", "photos/b/a.jpg"]),
        ("**/*", ["a.jpg", "b/c/d.png"], [".hidden/a.jpg", "__MACOSX/a.jpg", "b/._a.jpg"]),
        ("**", ["a.jpg", "b/c/d.png"], ["a.txt"]),
        ("a/**/x/*.png", ["a/x/1.png", "a/b/c/x/1.png"], ["a/1.png", "x/1.png", "a/b/1.png"]),
        ("*_mask.*", ["a_mask.png"], ["a.png", "a_mask.txt"]),
        ("?[12].png", ["a1.png", "b2.png"], ["a3.png", "ab1.png"]),
        ("a/a.png", ["a/a.png"], ["a.png"]),
        ("scan.dat", ["scan.dat"], ["scan.jpg"]),
        ("*.dat", ["scan.dat"], ["scan.jpg"]),
        ("photo [1].jpg", ["photo [1].jpg"], ["photo [2].jpg"]),
        ("masks\\*.png", ["masks/a.png"], ["a.png"]),
        ("./masks//*.png", ["masks/a.png"], ["a.png"]),
        (".private/*", [".private/a.jpg"], ["private/a.jpg"]),
    ],
)
def test_a_pattern_finds(pattern, found, passed_over):
    assert [path for path in (*found, *passed_over) if Pattern(pattern).matches(path)] == found


@pytest.mark.parametrize(
    "pattern", ["../*", "a/../../*", "/etc/*", "C:/x/*", "\\\\server\\x", "a\0b", "", ".", "a\\..\\b"]
)
def test_a_pattern_that_leads_out_is_refused(pattern):
    with pytest.raises(BadFile, match="pattern"):
        Pattern(pattern)


@given(stems, suffixes)
def test_a_path_finds_itself_and_its_folders_are_fixed(stem, suffix):
    pattern = Pattern(stem + suffix)
    assert pattern.matches(stem + suffix) and pattern.is_exact
    assert pattern.name_of(stem + suffix) == stem.rpartition("/")[2]


def test_many_wildcards_take_no_time():
    assert not Pattern("*a" * 60 + "b").matches("a" * 250 + ".png")
    assert not Pattern("**/x/" * 60 + "*.png").matches("x/" * 200 + "y.tif")


# --- templates, names ------------------------------------------------------------------------------------------------


@given(stems, words)
def test_a_template_takes_names_as_they_are(name, job):
    assert fill_template("out/{job}/{name}_{{x}}.png", {"name": name, "job": job}) == f"out/{job}/{name}_{{x}}.png"


def test_what_a_name_holds_is_not_filled_in_again():
    assert fill_template("{name}", {"name": "{job}", "job": "x"}) == "{job}"


def test_an_unknown_placeholder_is_told_with_the_nearest():
    with pytest.raises(UnknownName, match=r"\{nmae\}.*Did you mean '\{name\}'"):
        check_template("{nmae}.png", ("name", "job"))


@pytest.mark.parametrize(
    "template", ["{name", "name}", "{name.real}", "{name!r}", "{name:>9}", "{}", "{0}", "{name[0]}"]
)
def test_a_template_is_no_program(template):
    with pytest.raises((BadFile, UnknownName)):
        check_template(template, ("name",))


@pytest.mark.parametrize("path", ["..", "a/../..", "/a", "\\a", "c:a", "a\0"])
def test_a_path_that_leads_out_is_refused(path):
    with pytest.raises(BadFile, match=r"the entry .* leads out"):
        check_inside(path, "the entry")


def test_suffixes_are_of_the_last_name_only():
    assert [suffix_of(one) for one in ("a.JPG", "a.b/c", ".hidden", "a.", "x/y.tar.gz")] == [".jpg", "", "", "", ".gz"]
    assert [stem_of(one) for one in ("a.JPG", "a.b/c", ".hidden", "x/y.tar.gz")] == ["a", "a.b/c", ".hidden", "x/y.tar"]
