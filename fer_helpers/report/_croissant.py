"""An export of labels described in Croissant, the vocabulary for data sets of machine learning; JSON-LD."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from fer_helpers import tables

VERSION = "http://mlcommons.org/croissant/1.0"
_TYPES = {"flo": "sc:Float", "int": "sc:Integer", "boo": "sc:Boolean"}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def described(folder: Path, labels: pd.DataFrame, name: str, about: str, licence: str, citation: str) -> dict[str, Any]:
    """The description of `folder`/labels.csv, Croissant 1.0 (Akhtar et al. 2024, NeurIPS Datasets and Benchmarks).

    Args:
        folder: where labels.csv lies already; its hash becomes part of the description.
        labels: the table in it.
        name: of the run.
        about, licence, citation: the corpus's own.
    """
    columns = tables.SCHEMAS["labels"].columns
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"labels/{column}",
            "name": column,
            "description": columns[column].description,
            "dataType": _TYPES.get(str(columns[column].dtype).lower()[:3], "sc:Text"),
            "source": {"fileObject": {"@id": "labels.csv"}, "extract": {"column": column}},
        }
        for column in labels
    ]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": name,
        "description": f"Labels of perceived facial expressions, of the run {name!r}. The corpus: {about}",
        "license": licence,
        "citeAs": citation,
        "version": "1.0.0",
        "datePublished": datetime.now(UTC).date().isoformat(),
        "url": "https://example.org/where-you-publish-it",
        "rai:dataUseCases": "Research on facial expressions; not for inferring what a person feels.",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "labels.csv",
                "name": "labels.csv",
                "contentUrl": "labels.csv",
                "encodingFormat": "text/csv",
                "sha256": sha256((folder / "labels.csv").read_bytes()).hexdigest(),
            }
        ],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "labels", "name": "labels", "field": fields}],
    }
