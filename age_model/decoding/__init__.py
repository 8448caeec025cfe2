"""Pictures and clips from strangers, decoded in processes that may die.

A decoder is C code that reads what a visitor wrote: it can crash, hang, or take all memory. Here
each file is decoded in a process of its own, forked from a small one that has imported what is
needed. It has limits on memory, processor seconds and open files, no environment, and gives its
memory back by ending. Without Linux (`os.memfd_create`) the decoders run in this process.

Imports `images` and `video.clip`; the page takes pictures and clips through it.
"""
