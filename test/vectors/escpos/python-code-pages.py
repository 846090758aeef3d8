"""Python's view of the code pages: python3 python-code-pages.py > python-code-pages.json"""
import json
import sys

db = json.load(open("escpos-printer-db.json", encoding="utf-8"))
pages = {}
for name, encoding in db["encodings"].items():
    codec = encoding.get("python_encode")
    if codec is None or name == "CP932":
        continue
    pages[name] = "".join(bytes([b]).decode(codec, "replace") for b in range(128, 256))
json.dump({"python": sys.version.split()[0], "pages": pages}, sys.stdout, ensure_ascii=False, indent=1)
