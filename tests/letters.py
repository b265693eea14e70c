"""What may be read in the letters of pages that were left."""

from base64 import b64decode


def legible(letters: str) -> str:
    """Return what anybody reads in letters: as they lie there, and their bytes as characters."""
    read = letters
    for letter in letters.splitlines():
        seal, hidden = letter.split(" ")
        read += b64decode(seal).decode("latin-1")
        read += bytes(map(int, hidden.split(","))).decode("latin-1")
    return read
