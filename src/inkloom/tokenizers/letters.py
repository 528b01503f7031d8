"""What a word is made of, as pieces of regular expressions, for all that finds words in a text."""

import unicodedata

# `\w` holds no combining marks, without which words of Hindi or Arabic with vowel signs would fall apart.
_MARK_CODES = [code for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
COMBINING = f"[{''.join(map(chr, _MARK_CODES))}]"
"""A mark that belongs to the letter before it."""

ALONE = "[\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
"""An ideograph or kana, which is a word of its own."""

LETTER = rf"[^\W_{ALONE[1:-1]}]"
"""A letter or digit of all others."""

LETTERS = rf"{LETTER}+(?:{COMBINING}+{LETTER}*)*"
"""A run of them, combining marks included."""
