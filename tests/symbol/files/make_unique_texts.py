"""Write unique_texts.json: what blockscope writes, with unique names, for the graphs with duplicates that MXNet wrote (symbol_cases.json).

Run with the python of blockscope from the root of the repository, then make_symbol_cases.py again, so that MXNet reads the new texts:

    python tests/symbol/files/make_unique_texts.py
"""
import json
import pathlib

from blockscope.symbol import Symbol, files

HERE = pathlib.Path(__file__).parent


def main():
    cases = json.loads((HERE / 'symbol_cases.json').read_text(encoding='utf-8'))
    texts = {name: files.to_text(files.from_text(case['result'], Symbol), unique_names=True) for name, case in cases['duplicates'].items()}
    (HERE / 'unique_texts.json').write_text(json.dumps(texts, indent=1, sort_keys=True) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
