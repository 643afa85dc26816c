"""The font of all that this program draws: pictures, watermarks, PDFs. Noto Sans SC with 7,946 characters, OFL 1.1."""

from pathlib import Path

CHINESE_FONT = Path(__file__).parent / "noto-sans-sc.ttf"
