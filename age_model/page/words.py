"""What the page says, in English: the one place to translate. HTML is made of it elsewhere."""

TITLE = "How old do they look?"
INTRODUCTION = (
    "Give a photo or a webcam picture: each face gets an age in years, with the range that it "
    "most likely lies in, from a small Vision Transformer trained for this project."
)
TABS = {
    "photo": "Photo",
    "webcam": "Webcam",
    "live": "Live",
    "why": "Why?",
    "many": "Many pictures",
    "video": "Video",
    "measured": "How good is it?",
}
YOUR_PICTURE = "Your picture"
YOUR_PICTURES = "Your pictures"
YOUR_CLIP = "Your clip"
EXAMPLES = "Or try one of these"
FACES_FOUND = "Faces found"
START = "Start"
CANCEL = "Cancel"
DOWNLOAD = "Download {name}"
DONE = "Done"
# Nouns: for one, and for more.
YEARS = ("year", "years")
SECONDS = ("second", "seconds")
FACES = ("face", "faces")
PEOPLE = ("person", "people")
PICTURES = ("picture", "pictures")
FILES = ("file", "files")
# A face's card.
FACE = "Face {number}"
FACES_COUNT = ("{count} face", "{count} faces, the largest first")
GENDER = "looks {gender}, {probability:.0%}"
GROUP = "group {group}"
AGE_GROUPS = "Age groups"
RANGE = "most likely"
RANGE_BETWEEN = "between {low} and {high}"
RANGE_HINT = "The model gives this range a probability of {coverage:.0%}"
OR_OLDER = "{age} or older"
UNDER_1 = "under 1%"  # shown in place of 0% and 100%: the model is never that sure
OVER_99 = "over 99%"
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
AT_LEAST_SWITCH = "How probably {ages} or older?"
AT_LEAST_NOTE = (
    "How probably a face looks that old or older, to this model. It is no age verification, and must "
    "not be used as one."
)
FACES_TO_SELECT = "Faces in the picture: choose one to go to its card"
FACE_TO_SHOW = "Show face {number} in the picture"
WHY_INTRODUCTION = (
    "Which parts of a face moved the estimate? Random parts are blurred, again and again, and the "
    "network is asked each time: where a blur changes its answer much, the map has a strong colour."
)
WAITING_WHY = "Choose a photo or click an example: a face and its heat map appear here."
WHY_CHOOSE = "Which face?"
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
    "The brighter a square, the more the estimate changes, to older or younger, when that part of "
    "the face is blurred together with other parts drawn at random, a quarter of the face at a time.",
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
MANY_HEADER = ("File", "Faces", "Age, likely range and group")
MANY_PROGRESS = "{number} of {total}"
MANY_DONE = "{faces} in {pictures}"
MANY_EMPTY = ", {count} of them without a face"
MANY_UNUSABLE = "; {files} not examined, with the reasons below"
MANY_SMALLER = "and {count} smaller, in the downloads"
MANY_NONE = ("No pictures yet", "Choose pictures or a zip file first.")
MANY_STOPPED = (
    "Stopped",
    "The pictures that were done before are below. Start again for all of them and the downloads.",
)
PROGRESS = "Progress"
VIDEO_INTRODUCTION = (
    "A clip of at most {seconds} seconds, {megabytes} MB and {width} x {height} pixels ({formats}). "
    "Up to {most} faces at a time are followed, and each person gets an age and a line of it over "
    "time. Nobody is recognised: who comes back after more than {lost} seconds counts as another "
    "person, and at a cut to another scene two people may be taken for one."
)
PERSON = "Person {number}"
VIDEO_DONE = "{people} followed."
VIDEO_SECOND = "{second:g} s"
VIDEO_NONE = ("No clip yet", "Choose a clip first.")
VIDEO_UNUSABLE = "This clip cannot be used"
VIDEO_NAME = "The clip"
VIDEO_FAILED = (
    "Something went wrong",
    "The clip could not be examined. Try again, or try another clip.",
)
VIDEO_STOPPED = ("Stopped", "Nothing of the clip was kept. Press Start to examine it anew.")
VIDEO_PROGRESS = "{done:.0f} of about {total:.0f} seconds"
VIDEO_NO_FACE = (
    "No face found",
    "Try a clip in which the faces are larger, upright, well lit and turned to the camera.",
)
VIDEO_CUT = "Only the first {seconds} seconds were examined: the clip is longer than it says."
VIDEO_LEFT_OUT = "{faces} seen in fewer than {least} frames: left out."
VIDEO_MORE = "{people} more, seen for less time, in the table only."
VIDEO_HOW = (
    "Each line is the average that the tab Live would have shown, over the {seconds:.0f} seconds "
    "before; it has gaps where the face was not seen. The years and the range on a card are those of "
    "the average over all frames. More frames make them calmer, but the range no narrower: the model "
    "errs by about the same on every frame of one face."
)
VIDEO_SEEN = "seen from {first:.1f} to {last:.1f} s, in {frames} frames"
VIDEO_PLOT = "Years over the seconds of the clip"
VIDEO_PLOT_PERSON = (
    "Person {number}: between {low} and {high} years from second {first:.0f} to second {last:.0f}"
)
LIVE_INTRODUCTION = (
    "Start the camera, then press Record (the arrow beside it chooses among several cameras, such as "
    "the front and back ones of a phone): up to {most} faces get a number and an age that goes on "
    "being averaged while they are seen. {visitors} visitors can be live at once, each for "
    "{seconds} seconds at a time; if nobody waits, it goes on by itself until you press Stop."
)
LIVE_LEFT = "About {seconds} left of this turn."
LIVE_FACE = "looks {years}, most likely {range}"
LIVE_FACE_WAITING = "one moment …"
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
    "Pictures and clips are examined on the machine that runs this page. None is kept, logged or used "
    "for training: uploads lie in a temporary folder and are deleted within minutes, live pictures from "
    "the camera never touch a disk.",
)
LIMITS = (
    "Limits",
    "The age is how old a face looks to the model, and can be wrong by many years, more so for "
    "some groups of people than for others; the model card (age_model/checkpoint/README.md) has "
    "the measured errors. Gender is what the face looks like to the model, not who someone is. "
    "Not for verifying ages, and not for decisions about people.",
)
MEASURED_ON = (
    "Measured on {n} pictures of the split {split}, which were used neither in training nor in "
    "choosing the model, on {date}, for {model}. The pictures are cropped faces. The labels are partly "
    "estimates themselves."
)
MEASURED_SOURCE = "{source}, {n} faces"
MEASURED_GAPS = "Where it treats people differently"
MEASURED_EXTREMES = "Best and worst"
MEASURED_BY = {
    "by_group": "Error by labelled age",
    "by_gender": "Error by perceived gender, as labelled",
    "by_ethnicity": "Error by perceived ethnicity, as labelled",
}
MEASURED_CHALLENGE = "If it decided who looks {age} (it must not)"
MEASURED_GROUPS = "Right age group, by labelled group"
MEASURED_YEARS = "{:.1f} years"
MEASURED_TILES = {
    "mae": "mean error (95%: {low:.1f} to {high:.1f})",
    "median": "half of the faces are no further off",
    "cs5": "at most 5 years off",
    "interval": "of the ranges hold the age (promised: 80%); mean width {width:.0f} years",
    "group": "right age group, of nine",
    "one_off": "right group or the one beside it",
    "calibration": "between how sure it is of a group and how right",
    "gender": "perceived gender as labelled",
}
MEASURED_YEARS_HEADER = ("", "faces", "mean error, years", "bias", "range holds", "its width")
MEASURED_GROUPS_HEADER = ("", "faces", "right")
MEASURED_THRESHOLDS_HEADER = ("labelled age", "", "faces", "share (95%)")
MEASURED_OUTCOMES = {"let_through": "let through, wrongly", "turned_away": "turned away, wrongly"}
MEASURED_FEW = "few faces: these numbers say little"
NOT_FOR = (
    "What not to use it for",
    "Not for verifying ages, nor as a gate to goods, places or services; not for decisions about "
    "people; not to tell anyone's gender or ethnicity; not to identify or watch people.",
)
