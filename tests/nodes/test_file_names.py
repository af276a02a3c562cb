from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.hosts.files import FolderStore
from hemline.nodes.file_names import FIELDS, FreeNames, check_template, fill_template
from hemline.tensors import RangeError, UnknownName

VALUES = dict(zip(FIELDS, ("coat", "upper", 2, 83, 1, 4, 90, 120), strict=True))


def test_fields_are_filled_in():
    assert fill_template("{label}/{name}-{n} of {width}x{height}", VALUES) == "upper/coat-2 of 90x120"
    assert fill_template("{image}{person}{score}{n}{n}", VALUES) == "418322"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_template_is_the_usual_one(blank):
    assert fill_template(blank, VALUES) == "coat_upper_2"


@pytest.mark.parametrize("template", ["{lable}", "{}", "{name.upper}", "{n:03}", "{0}", "{name!r}"])
def test_an_unknown_field_is_told_with_the_known_ones(template):
    with pytest.raises(UnknownName, match="Known: name, label, n, score, person, image, width, height"):
        check_template(template)


@pytest.mark.parametrize("template", ["{name", "name}", "{{name}}", "{name}}"])
def test_a_single_brace_is_told(template):
    with pytest.raises(RangeError, match="without its partner"):
        check_template(template)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a_2", "b/a"]), max_size=8), st.booleans())
def test_no_name_is_given_twice(tmp_path_factory, wanted, overwrite):
    names = FreeNames(FolderStore(tmp_path_factory.mktemp("out")), overwrite)
    given_names = [names.take(stem, "{}").casefold() for stem in wanted]
    assert len(set(given_names)) == len(wanted)


def test_names_of_files_that_are_there_are_free_only_to_overwrite(tmp_path):
    store = FolderStore(tmp_path)
    store.save_image("images/coat_0", torch.ones(1, 1))
    store.save_image("images/coat_2_0", torch.ones(1, 1))
    assert FreeNames(store, overwrite=False).take("coat", "{}", "images/{}_0") == "coat_3"
    assert FreeNames(store, overwrite=False).take("coat", "{}") == "coat"
    assert FreeNames(store, overwrite=True).take("coat", "{}", "images/{}_0") == "coat"
