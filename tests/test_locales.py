"""The translations: complete, up to date, and free of what the host would take for syntax."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hemline.nodes import NODES

ROOT = Path(__file__).parents[1]
OFFERED = {"en", "de", "es", "fr", "ja", "zh"}
QUOTED = re.compile(r"„([^“]*)“|«([^»]*)»|「([^」]*)」|“([^”]*)”")  # names; values stand between straight marks
NAMES_OF_THE_HOST = {
    "Bild speichern", "Latent-Rauschmaske festlegen", "Differenzielle Diffusion", "VAE kodieren (für Inpainting)",
    "Enregistrer Image", "Définir le Masque de Bruit Latent", "Diffusion différentielle",
    "VAE Encode (pour Inpainting)", "Guardar imagen", "Establecer máscara de ruido latente", "Difusión diferencial",
    "Codificación VAE (para inpainting)", "Acondicionamiento modelo inpainting", "InpaintModelConditioning",
    "画像を保存", "潜在ノイズマスクを設定", "VAEエンコード（インペイント用）", "インペイントモデル条件付け",
    "设置Latent噪波遮罩", "VAE编码（局部重绘）", "内补模型条件",
}  # fmt: skip


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_locales", ROOT / "docs" / "make_locales.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_locales"] = module
    spec.loader.exec_module(module)
    return module


script = load_script()
MESSAGES = script.messages()
LANGUAGES = sorted(path.name for path in (ROOT / "locales").iterdir())
TRANSLATED = [language for language in LANGUAGES if language != "en"]
COMBOS = [
    (node.id, port.name, [option for option in port.choices() if f"{option}:" in port.tooltip])
    for node in NODES
    for port in node.inputs
    if port.type == "COMBO"
]


def shipped(language: str) -> dict[str, Any]:
    folder = ROOT / "locales" / language
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())}


def texts_of(language: str) -> list[tuple[Any, str]]:
    tree = shipped(language)
    found = []
    for message in MESSAGES:
        text = tree[message.file]
        for key in message.keys:
            text = text[key]
        found.append((message, text))
    return found


def test_the_offered_languages_are_there():
    assert set(LANGUAGES) == OFFERED
    assert set(script.languages()) == OFFERED - {"en"}


def test_english_is_what_the_nodes_and_widgets_say():
    for name, content in script.locale_files(MESSAGES).items():
        assert (ROOT / "locales" / "en" / name).read_text(encoding="utf-8") == content, "run docs/make_locales.py"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_stale(language: str):
    _, entries = script.read_po(script.languages()[language].read_text(encoding="utf-8"))
    assert not [entry.text for entry in script.merged(entries, MESSAGES) if not entry.is_done]


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_shipped_is_what_the_translator_wrote(language: str):
    source = script.languages()[language].read_text(encoding="utf-8")
    head, entries = script.read_po(source)
    assert source == script.write_po(head, script.merged(entries, MESSAGES)), "run docs/make_locales.py"
    files = script.locale_files(MESSAGES, entries)
    assert {path.name for path in (ROOT / "locales" / language).iterdir()} == set(files)
    for name, content in files.items():
        assert (ROOT / "locales" / language / name).read_text(encoding="utf-8") == content, "run docs/make_locales.py"


@pytest.mark.parametrize("language", TRANSLATED)
def test_places_to_fill_in_are_kept(language: str):
    for message, text in texts_of(language):
        assert Counter(re.findall(r"\{\w+\}", text)) == Counter(re.findall(r"\{\w+\}", message.text)), message.place


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_syntax_to_the_host(language: str):
    """It compiles names and descriptions as vue-i18n messages, tooltips it shows as they are."""
    for message, text in texts_of(language):
        if message.file == "nodeDefs" or message.keys[0] == "nodeCategories":
            assert not re.search(r"[@|\\]", text), message.place
            assert message.keys[-1] == "tooltip" or not re.search(r"[{}]", text), message.place


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_begin_and_end_as_the_english_ones(language: str):
    for message, text in texts_of(language):
        assert text == text.strip() and "\n" not in text, message.place
        if message.keys[-1] != "name":
            assert text.endswith((".", "。")) == message.text.endswith("."), message.place


@pytest.mark.parametrize("language", TRANSLATED)
def test_options_are_explained_by_the_words_that_the_widget_shows(language: str):
    nodes = shipped(language)["nodeDefs"]
    for id, port, options in COMBOS:
        for option in options:
            text = nodes[id]["inputs"][port]["tooltip"]
            assert re.search(rf"{re.escape(option)}\s?[:：]", text), (id, port, option)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_nodes_and_no_two_ports_of_a_node_have_one_name(language: str):
    nodes = shipped(language)["nodeDefs"]
    assert len({entry["display_name"] for entry in nodes.values()}) == len(nodes)
    for id, entry in nodes.items():
        for side in ("inputs", "outputs"):
            names = [port["name"] for port in entry.get(side, {}).values()]
            assert len(set(names)) == len(names), (id, side, [name for name in names if names.count(name) > 1])


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_name_in_quotes_is_the_name_that_the_page_shows(language: str):
    named = ("name", "display_name")
    names = {text for message, text in texts_of(language) if message.file == "main" or message.keys[-1] in named}
    for message, text in texts_of(language):
        if message.file == "nodeDefs":
            quoted = {"".join(inside).strip() for inside in QUOTED.findall(text)}
            assert quoted <= names | NAMES_OF_THE_HOST, message.place


# The script itself.

TWO = [
    script.Message("A.name", "nodeDefs", ("A", "name"), "mask"),
    script.Message("B.name", "nodeDefs", ("B", "name"), "mask"),
]


def test_texts_of_one_wording_are_translated_once():
    (entry,) = script.merged([], TWO)
    assert (entry.text, entry.places) == ("mask", ("A.name", "B.name"))


def test_a_place_can_have_a_translation_of_its_own():
    entries = [script.Entry("mask", "Maske"), script.Entry("mask", "Larve", context="B.name")]
    merged = script.merged(entries, TWO)
    tree = json.loads(script.locale_files(TWO, merged)["nodeDefs.json"])
    assert tree == {"A": {"name": "Maske"}, "B": {"name": "Larve"}}


def test_a_translation_whose_english_was_changed_is_marked_and_not_shown():
    old = [script.Entry("matte", "Maske", places=("A.name",))]
    (entry,) = script.merged(old, TWO)
    assert (entry.fuzzy, entry.previous, entry.translation) == (True, "matte", "Maske")
    assert script.locale_files(TWO, [entry])["nodeDefs.json"] == "{}\n"


def test_what_is_used_no_more_goes():
    assert [entry.text for entry in script.merged([script.Entry("gone", "weg")], TWO)] == ["mask"]


def test_a_po_file_reads_as_it_was_written():
    entries = [
        script.Entry('say "a"\\', "„a“\n", places=("A.name", "B.name"), notes=("# a word of the translator",)),
        script.Entry("new", "neu", "C.name", ("C.name",), fuzzy=True, previous="old"),
    ]
    head = ('msgid ""', 'msgstr ""', '"Language: de\\n"')
    assert script.read_po(script.write_po(head, entries)) == (head, entries)


def test_a_po_file_of_another_editor_is_read():
    head = 'msgid ""\nmsgstr ""'
    wrapped = '#. a hint\n#: A.x\nmsgid ""\n"two "\n"lines"\nmsgstr ""\n"zwei "\n"Zeilen"'
    obsolete = '#~ msgid "x"\n#~ msgstr "y"'
    source = "\n\n".join((head, wrapped, obsolete)) + "\n"
    assert script.read_po(source)[1] == [script.Entry("two lines", "zwei Zeilen", places=("A.x",))]


def test_a_table_of_texts_is_read_without_running_it():
    source = (
        'export const TEXTS = {\n  // a\n  a: "1",\n\n  b:\n    "2 \\"x\\" " +\n    "3",\n}\nexport const OTHER = 1\n'
    )
    assert script.read_table(source) == {"a": "1", "b": '2 "x" 3'}


@pytest.mark.parametrize("line", ["a: 'single',", "a: `template`,", "a: other,", 'a: "x" + y,', "...more,", "a: {},"])
def test_a_table_that_is_more_than_texts_is_refused(line: str):
    with pytest.raises(ValueError, match="cannot read"):
        script.read_table(f'export const TEXTS = {{\n  ok: "1",\n  {line}\n}}\n')


def test_a_file_without_a_table_is_refused():
    with pytest.raises(ValueError, match="no table"):
        script.read_table("export const WORDS = {}\n")
