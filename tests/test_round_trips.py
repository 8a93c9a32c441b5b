"""There and back: 12 encodings, 3 line ends, 4 formats; and the seed as Markdown, HTML and a Word document.

A Word document is UTF-8 XML in an archive, whatever its text: there the line ends are those between its tags.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from html import escape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest

from conftest import Call
from shipped import SEED, restorer

ENCODINGS = {
    "ascii": ("ascii", b""),
    "utf-8": ("utf-8", b""),
    "utf-8 with mark": ("utf-8", codecs.BOM_UTF8),
    "utf-16-le": ("utf-16-le", b""),
    "utf-16-be": ("utf-16-be", b""),
    "utf-16-le with mark": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-be with mark": ("utf-16-be", codecs.BOM_UTF16_BE),
    "utf-32-le with mark": ("utf-32-le", codecs.BOM_UTF32_LE),
    "utf-32-be with mark": ("utf-32-be", codecs.BOM_UTF32_BE),
    "windows-1252": ("cp1252", b""),
    "latin-1": ("latin-1", b""),
    "mac roman": ("mac_roman", b""),
}
ENDS = {"unix": "\n", "windows": "\r\n", "old mac": "\r"}
BEYOND_ASCII = {"ascii": "fiance", "latin-1": "fiancé"}
"""A word that the encoding shows itself by; elsewhere there are quotes around it too."""

FORMATS = {
    "a.txt": "The {Overseas} Minister {mentioned} it.\n\n WORD  said nothing.\tHe {mentioned} navy gear.\n",
    "a.md": "---\ntitle: mentioned\n---\n\n# The {Overseas} Minister\n\nHe *{mentioned}* WORD:\n\n"
    "    mentioned\n\n- [he {mentioned}](http://mentioned/Overseas)\n",
    "a.html": "<!DOCTYPE html>\n<title>{Overseas}</title>\n<p class='mentioned'>He <b>{mentioned}</b> &amp; WORD\n"
    "<!-- mentioned --><script>mentioned</script>\n",
}
SAID = {"Overseas": "Foreign", "mentioned": "said"}


def written(template: str, encoding: str, mark: bytes, end: str, spun: bool) -> bytes:
    """The bytes of a file that is spun, or not."""
    word = BEYOND_ASCII.get(encoding, "“fiancé”" if encoding != "mac_roman" else "fiancé ’tis it’s")
    text = template.format(**({name: name for name in SAID} if spun else SAID)).replace("WORD", word)
    return mark + text.replace("\n", end).encode(encoding)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ENDS)
def test_only_the_changes_differ(call: Call, tmp_path: Path, name: str, encoding: str, end: str) -> None:
    spun, original = (written(FORMATS[name], *ENCODINGS[encoding], ENDS[end], spun) for spun in (True, False))
    (tmp_path / name).write_bytes(spun)
    assert call(name).raw == original
    assert call("-i", name).code == 0 and (tmp_path / name).read_bytes() == original
    assert call("undo").code == 0 and (tmp_path / name).read_bytes() == spun


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ENDS)
def test_without_changes_not_a_byte_differs(call: Call, tmp_path: Path, name: str, encoding: str, end: str) -> None:
    template = FORMATS[name].replace("{mentioned}", "{}").replace("mentioned", "told").replace("{}", "{mentioned}")
    data = written(template, *ENCODINGS[encoding], ENDS[end], spun=False)
    (tmp_path / name).write_bytes(data)
    assert call(name).raw == data
    assert call(name, "-o", f"out-{name}").code == 0 and (tmp_path / f"out-{name}").read_bytes() == data
    before = (tmp_path / name).stat()
    assert call("-i", name).code == 0 and (tmp_path / name).stat() == before  # not even written


# -- Word documents ------------------------------------------------------------------------------------------------


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def word(folder: Path, text: str) -> Path:
    """A document with headings, lists, a table, bold and slanted words, a header and a footer."""
    docx = pytest.importorskip("docx", reason="needs python-docx")
    title, *paragraphs = filter(None, text.split("\n"))
    made = docx.Document()
    made.add_heading(title, 1)
    for number, paragraph in enumerate(paragraphs):
        added = made.add_paragraph(style=("Normal", "List Bullet", "Quote")[number % 3])
        for at, piece in enumerate(paragraph.split(" ")):
            run = added.add_run(piece + " ")
            run.bold, run.italic, run.underline = at % 5 == 0, at % 7 == 0, at % 11 == 0
    made.add_table(1, 2).cell(0, 1).text = paragraphs[0]
    made.sections[0].header.paragraphs[0].text = title
    made.sections[0].footer.paragraphs[0].text = "Page 1"
    path = folder / "a.docx"
    made.save(str(path))
    return path


def with_line_ends(data: bytes, end: str, stored: bool, mark: bytes = b"") -> bytes:
    """The document with other line ends between its tags, or packed another way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as file:
        for name, content in parts(data).items():
            if name == "word/document.xml":
                content = mark + content.replace(b"\n", b"").replace(b"><w:p>", f">{end}<w:p>".encode())
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(("end", "stored", "mark"), list(product(ENDS, (False, True), (b"", codecs.BOM_UTF8))))
def test_word_documents(call: Call, tmp_path: Path, end: str, stored: bool, mark: bytes) -> None:
    spun = "The Overseas Minister\nHe mentioned “it”.\nNothing here.\n"
    for text, changed in (
        (spun, {"word/document.xml", "word/header1.xml"}),
        (spun.translate({ord("O"): "o", ord("m"): "n"}), set()),
    ):
        path = word(tmp_path, text)
        data = with_line_ends(path.read_bytes(), ENDS[end], stored, mark)
        path.write_bytes(data)
        assert call("a.docx", "-o", "out.docx", "-f").code == 0
        new = (tmp_path / "out.docx").read_bytes()
        old_parts, new_parts = parts(data), parts(new)
        assert {name for name in old_parts if old_parts[name] != new_parts[name]} == changed
        assert (new == data) == (not changed) and list(old_parts) == list(new_parts)
        for name in changed:
            there = old_parts[name].replace(b"Overseas", b"Foreign").replace(b"mentioned", b"said")
            assert new_parts[name] == there


# -- the seed in every format --------------------------------------------------------------------------------------


def markdown() -> str:
    """The seed with a front matter, headings, emphasis, lists, quotations, links, code and a table."""
    title, *paragraphs = filter(None, SEED.split("\n"))
    lines = ["---", "title: mentioned Overseas", "---", "", f"# {title}", ""]
    for number, text in enumerate(paragraphs):
        words = text.split(" ")
        words[0] = f"*{words[0]}*"
        words[3:5] = [f"[{' '.join(words[3:5])}](http://example.org/mentioned 'x')"]
        begin = ("", "- ", "> ", "1. ")[number % 4]
        lines += [begin + " ".join(words), ""]
    return "\n".join([*lines, "```", "mentioned = overseas", "```", "", "| mentioned | `navy` |", "|---|---|", "| a | b |", ""])


def html() -> str:
    title, *paragraphs = filter(None, SEED.split("\n"))
    body = "\n".join(
        f"<p id=p{number}>{escape(text, quote=False).replace(' the ', ' <a href=/mentioned title=overseas>the</a> ', 1)}<br>"
        for number, text in enumerate(paragraphs)
    )
    head = f"<!DOCTYPE html>\n<html lang=en><head><title>{title}</title><style>p {{ color: navy }}</style></head>"
    foot = "<script>mentioned()</script></body></html>\n"
    return f"{head}\n<body class='mentioned'><!-- mentioned --><h1>{title}</h1>\n{body}\n{foot}"


class Dom(HTMLParser):
    """Everything in a page but its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[object] = []
        self.handle_starttag = lambda *tag: self.seen.append(tag)  # type: ignore[method-assign]
        self.handle_endtag = self.handle_comment = self.handle_decl = self.seen.append  # type: ignore[assignment]
        self.feed(page)
        self.close()


def outline(text: str) -> list[tuple[str, str, int, object]]:
    """Everything in a Markdown text but its words: blocks and inline marks, addresses, code."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt().enable("table").parse(text)
    inside = [token for block in tokens for token in (block, *(block.children or ())) if token.type not in ("inline", "text")]
    return [(t.type, t.tag, t.level, (sorted(t.attrs.items()), t.content)) for t in inside]


SEEDS = {"seed.md": (markdown, outline), "seed.html": (html, lambda page: Dom(page).seen)}


@pytest.mark.parametrize("name", SEEDS)
def test_the_seed_keeps_its_structure(name: str) -> None:
    from restore.formats import open_text

    make, structure = SEEDS[name]
    text = make()
    opened, fixed = open_text(Path(name), text.encode())
    found = restorer().restore(opened.text, fixed)
    assert len(found.applied) > 50
    assert structure(found.text) == structure(text)
    for word in (
        "mentioned = overseas",
        "mentioned()",
        "title: mentioned Overseas",
        "http://example.org/mentioned",
        "p { color: navy }",
    ):
        assert found.text.count(word) == text.count(word)


def test_the_seed_as_a_word_document_keeps_its_styles(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx", reason="needs python-docx")
    from restore.formats import open_text

    path = word(tmp_path, SEED)
    data = path.read_bytes()
    opened, fixed = open_text(path, data)
    found = restorer().restore(opened.text, fixed)
    assert len(found.applied) > 50
    new = opened.encode(found.text)
    opened.check(data, new, [(c.start, c.end, c.after) for c in found.applied])

    def styles(file: bytes) -> object:
        made = docx.Document(io.BytesIO(file))
        runs = [[(r.bold, r.italic, r.underline, r.style.name) for r in p.runs] for p in made.paragraphs]
        return [p.style.name for p in made.paragraphs], runs, [(t.style.name, len(t.rows)) for t in made.tables]

    assert styles(new) == styles(data)
    same = {name for name, content in parts(data).items() if parts(new)[name] == content}
    assert parts(data).keys() - same <= {"word/document.xml", "word/header1.xml"}
