"""Builds the container image without a container engine and runs the product's main job inside it.

Debian's `buildah` builds and runs (chroot isolation, plain folders as storage), `debootstrap` makes the base. Root is
needed for both. Nothing here is part of the product; standard library only.
"""
