"""Makes `tests/readers/files` with the programs that people's files come from: pandoc and LibreOffice.

    python tests/fakes/reader_files.py

The files are committed, so the tests need neither program.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

FILES = Path(__file__).resolve().parent.parent / "readers" / "files"

MARKDOWN = """\
---
title: The Orchard Book
date: 2024-05-01
---

# Planting

Plant the **young trees** in late October, while the soil is still warm.[^1]

[^1]: In cold valleys, wait until March.

## Spacing

- Apples stand five metres apart
- Pears stand four metres apart
    - On dwarf stock, three are enough

| Tree   | Distance | Price |
|--------|---------:|------:|
| Apple  |      5 m |    24 |
| Pear   |      4 m |    31 |

# Harvest

> Pick when the stalk comes away at a touch.

```python
def ripe(days):
    return days > 140
```

Store the fruit at 4 °C – 果実は涼しい所に置く。
"""

SLIDES = """\
---
title: Orchard Year
---

# Winter

- Prune the apple trees
- Order new rootstock

# Summer

| Month | Task  |
|-------|-------|
| June  | Thin  |
| July  | Water |

::: notes
Mention the drought of 2022.
:::
"""

PRICES = (
    "Price list 2024,,\nTree,Distance,Price\nApple,5.5,24\nPear,4,31.5\n,,\nNotes,,\nAll prices in euros,,\n"
)


def pandoc(source: Path, target: Path) -> None:
    """Converts with pandoc, by the endings."""
    subprocess.run(["pandoc", "--standalone", str(source), "-o", str(target)], check=True)


def libreoffice(source: Path, kind: str) -> None:
    """Converts with LibreOffice into the files' folder."""
    command = ["soffice", "--headless", "--convert-to", kind, "--outdir", str(FILES), str(source)]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Makes every file anew."""
    FILES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "orchard.md"
        book.write_text(MARKDOWN)
        shutil.copy(book, FILES / "orchard.md")
        for ending in ("docx", "epub", "rst", "org", "html", "ipynb"):
            pandoc(book, FILES / f"orchard.{ending}")
        # The same as another program writes it: its paragraphs, styles and notes are other ones.
        pandoc(book, FILES / "pandoc.odt")
        pandoc(book, FILES / "pandoc.rtf")
        slides = Path(folder) / "slides.md"
        slides.write_text(SLIDES)
        pandoc(slides, FILES / "slides.pptx")
        prices = Path(folder) / "prices.csv"
        prices.write_text(PRICES)
        shutil.copy(prices, FILES / "prices.csv")
        for kind in ("xlsx", "ods", "xls"):
            libreoffice(prices, kind)
        for kind in ("odt", "rtf", "pdf"):
            libreoffice(FILES / "orchard.docx", kind)
        libreoffice(FILES / "slides.pptx", "odp")


if __name__ == "__main__":
    main()
