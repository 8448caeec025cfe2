"""What a process may take to decode one file, and how many may work at a time."""

# Address space, in bytes, beside what Python and the libraries take: a picture of 50 megapixels
# takes 150 MB as an answer, and up to 400 MB on the way there.
MEMORY = 640 * 2**20
ALL_MEMORY = 4 * 2**30  # with Python and the libraries, most of which is never touched
OPEN_FILES = 32
ERROR_CHARACTERS = 500

PICTURE_CPU_SECONDS, CLIP_CPU_SECONDS = 10, 90
ALL_CPU_SECONDS = 120  # of one process, for all that it decodes
STEP_SECONDS = 20  # for each answer, by the clock: the machine may be busy with something else
START_SECONDS = 60  # to import NumPy, Pillow and OpenCV

# Pictures in work, from their decoding until the page is done with their pixels. Those of more than
# LARGE_PIXELS, as few phones take, wait for each other, so that their memory does not add up.
LARGE_PIXELS = 13_000_000
SMALL_AT_A_TIME = 4
WAIT_SECONDS = 300

# To fork a process and start afresh takes 9 ms of a processor, so one decodes several small
# pictures. A larger one ends it, by which its memory is given back, and so does one that cannot be
# used.
PICTURES_A_PROCESS = 100
REUSED_PIXELS = 4_000_000
IDLE_PROCESSES = SMALL_AT_A_TIME  # of 12 to 20 MB each
