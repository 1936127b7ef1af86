"""Finds models in the hub's cache, and loads them into it, as Python's tools do; prints the folder.

cache.py find ID FILE...   offline: the snapshot's folder, if Python finds each file in it
cache.py load ID           from the hub that HF_ENDPOINT names
cache.py scan              what `hf cache` lists: model, commit, refs, number of files, warnings
"""

import sys

import huggingface_hub


def find(repo, *files):
    folder = huggingface_hub.snapshot_download(repo, local_files_only=True)
    for name in files:
        found = huggingface_hub.hf_hub_download(repo, name, local_files_only=True)
        assert found == f"{folder}/{name}", found
        with open(found, "rb") as file:
            assert file.read(1), name
    print(folder)


def load(repo, *patterns):
    print(huggingface_hub.snapshot_download(repo, allow_patterns=list(patterns) or None))


def scan():
    cache = huggingface_hub.scan_cache_dir()
    for repo in cache.repos:
        for revision in repo.revisions:
            print(repo.repo_id, revision.commit_hash, ",".join(sorted(revision.refs)), revision.nb_files)
    for warning in cache.warnings:
        print("warning:", warning)


if __name__ == "__main__":
    {"find": find, "load": load, "scan": scan}[sys.argv[1]](*sys.argv[2:])
