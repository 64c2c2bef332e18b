"""Brings the catalogues up to date with the code."""

from __future__ import annotations

from webapp.i18n import catalogs

for language in catalogs.languages():
    catalog = catalogs.update(language)
    catalogs.path_of(language).write_bytes(catalogs.written(catalog))
    print(f"{language}: {len(catalog)} texts, {sum(map(catalogs.is_translated, catalog))} of them translated")
