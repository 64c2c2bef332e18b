"""Brings the catalogues up to date with the code."""

from __future__ import annotations

from webapp import translations

for language in translations.languages():
    catalog = translations.update(language)
    translations.path_of(language).write_bytes(translations.written(catalog))
    print(f"{language}: {len(catalog)} texts, {sum(map(translations.is_translated, catalog))} of them translated")
