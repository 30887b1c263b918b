"""Bytes under keys, in a folder or a bucket: the ground that weights, packs and journals on objects stand on."""
