"""What the page says, in English: the one place to translate. HTML is made of it elsewhere."""

TITLE = "How old do they look?"
INTRODUCTION = (
    "Give a photo or a webcam picture: each face gets an age in years, with the range that it "
    "most likely lies in, from a small Vision Transformer trained for this project."
)
WAITING_PHOTO = "Choose a photo or click an example: the faces and their ages appear here."
WAITING_WEBCAM = "Take a picture: the faces and their ages appear here."
WAITING_RESULTS = "One moment: the results of the model that is loaded appear here."
NOT_MEASURED = "Nothing is measured about this model"
RESULTS_UNREADABLE = "The model's results.json is not in the form that train.evaluate writes."
NO_FACE = (
    "No face found",
    "Try a picture in which the face is larger, upright, well lit and turned to the camera.",
)
UNUSABLE = "This picture cannot be used"
FAILED = (
    "Something went wrong",
    "The picture could not be examined. Try again, or try another picture.",
)
WHY_INTRODUCTION = (
    "Which parts of a face moved the estimate? Random parts are blurred, again and again, and the "
    "network is asked each time: where a blur changes its answer much, the map has a strong colour."
)
WAITING_WHY = "Choose a photo or click an example: a face and its heat map appear here."
WHY_CHOOSE = "Which face?"
WHY_FACE = "Face {number}"
WHY_SEEN = "What the network sees"
WHY_MAP = "What moved the age"
WHY_MAP_TOLD = (
    "Heat map of {grid} by {grid} squares over the face. The strongest is in row {row} from the top, "
    "column {column} from the left."
)
WHY_LEGEND_LEAST = "less: {years:.1f} years"
WHY_LEGEND_MOST = "more: {years:.1f} years"
WHY_READING_TITLE = "How to read it"
WHY_READING = (
    "The brighter a square, the more the estimate changes, to older or younger, when that part of the "
    "face is blurred together with other parts drawn at random, a quarter of the face at a time.",
    "The scale runs from this face's weakest square to its strongest. The colours of two faces cannot be "
    "compared; the numbers at the ends of the scale can.",
)
WHY_LIMITS_TITLE = "What it cannot tell"
WHY_LIMITS = (
    "Whether the estimate is right: a wrong one has a map that looks just as sure.",
    "Why in human terms: it shows where, and not whether it was wrinkles, hair, light or make-up.",
    "Anything finer than a square: the network sees {size} × {size} pixels, cut into {grid} × {grid} "
    "squares of {patch} pixels each.",
    "Which parts work together: two eyes can stand in for each other, so that blurring one of them "
    "changes little.",
    "How many years a part is worth: a face that is blurred in parts is unlike the photos that the "
    "network learned from, and its answer may jump.",
)
MANY_INTRODUCTION = (
    "Up to {most} pictures, or zip files of pictures, of at most {megabytes} MB a file: a row for "
    "each picture, and at the end a table to keep."
)
MANY_NONE = ("No pictures yet", "Choose pictures or a zip file first.")
MANY_STOPPED = (
    "Stopped",
    "The pictures that were done before are below. Start again for all of them and the downloads.",
)
LIVE_INTRODUCTION = (
    "Start the camera, then press Record: up to {most} faces get a number and an age that goes on "
    "being averaged while they are seen. {visitors} visitors can be live at once, each for "
    "{seconds} seconds at a time; if nobody waits, it goes on by itself until you press Stop."
)
LIVE_WAITING = "The camera is off. Frames are examined one by one as they come and then forgotten."
LIVE_NO_FACE = "No face seen: come nearer, face the camera, and see to light from the front."
LIVE_TOO_LARGE = "The camera's frames are too large: choose a lower resolution for it."
LIVE_UNREADABLE = "The browser sent a frame that cannot be read. Reload the page, or try another."
# By the names that browsers give to their reasons.
CAMERA_PROBLEMS = {
    "NotAllowedError": (
        "The camera was refused",
        "Allow this page to use the camera (the icon beside the address), then click again. "
        "Without one, use the tab Photo.",
    ),
    "NotFoundError": (
        "No camera found",
        "Connect one and click again, or use the tab Photo.",
    ),
    "NotReadableError": (
        "The camera cannot be used",
        "Another program may be using it: close that program and click again.",
    ),
    "insecure": (
        "No camera on this address",
        "Browsers give the camera only to pages from https:// or from this very machine.",
    ),
    "other": (
        "The camera did not start",
        "Try again, or use the tab Photo.",
    ),
}
PRIVACY = (
    "Privacy",
    "Pictures are examined on the machine that runs this page. None is kept, logged or used for "
    "training: uploads lie in a temporary folder and are deleted within minutes, live pictures from "
    "the camera never touch a disk.",
)
LIMITS = (
    "Limits",
    "The age is how old a face looks to the model, and can be wrong by many years, more so for "
    "some groups of people than for others; the model card (age_model/checkpoint/README.md) has "
    "the measured errors. Gender is what the face looks like to the model, not who someone is. "
    "Not for verifying ages, and not for decisions about people.",
)
