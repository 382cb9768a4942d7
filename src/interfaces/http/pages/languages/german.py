"""The pages in German."""

from interfaces.http.pages.texts import Texts

GERMAN = Texts(
    language="de",
    new_password_title="Neues Passwort setzen",
    new_password_lead="Alle Geräte, auch dieses, werden von Ihrem Konto abgemeldet.",
    new_password_label="Neues Passwort",
    new_password_hint="Je länger, desto besser: Einige Wörter, die nichts miteinander zu tun haben, sind leicht zu"
    " merken und schwer zu erraten.",
    repeat_label="Noch einmal dasselbe",
    save="Passwort setzen",
    not_the_same="Die beiden Passwörter sind nicht gleich.",
    done_title="Ihr neues Passwort gilt",
    done_lead="Sie wurden überall abgemeldet. Melden Sie sich mit dem neuen Passwort an.",
    dead_link_title="Dieser Link funktioniert nicht",
    dead_link_lead="Er wurde schon benutzt, ist abgelaufen oder nicht vollständig kopiert. Fordern Sie einen neuen an.",
    foreign_title="Dieses Formular kam von einer anderen Website",
    foreign_lead="Es wurde nichts geändert. Öffnen Sie den Link noch einmal und benutzen Sie die Seite, zu der er"
    " führt.",
    busy="Der Dienst ist ausgelastet. Es wurde nichts geändert: Versuchen Sie es gleich noch einmal.",
    verify_title="Bestätigen Sie Ihre E-Mail-Adresse",
    verify_lead="Bestätigen Sie mit dem Passwort des Kontos, dass diese Adresse Ihnen gehört. Der Link allein würde"
    " auch die Adresse von jemandem bestätigen, der sich mit Ihrer registriert hat.",
    password_label="Passwort",
    confirm="Adresse bestätigen",
    verified_title="Ihre Adresse ist bestätigt",
    verified_lead="Sie können diese Seite schließen.",
    wrong_password="Das ist nicht das Passwort des Kontos.",
    too_many_attempts="Es waren zu viele Versuche. Warten Sie einige Minuten und versuchen Sie es noch einmal.",
    reject_title="Sie waren das nicht?",
    reject_lead="Jemand hat Ihre Adresse als seine angegeben. Sagen Sie, dass Sie es nicht waren: Ein Konto, das mit"
    " ihr angelegt wurde, wird gelöscht, und eines, das sie bekommen sollte, behält die Adresse, die es hat.",
    reject="Ich war es nicht",
    rejected_title="Danke: Ihre Adresse bleibt unberührt",
    rejected_lead="Kein Konto hat sie mehr durch diese Anfrage. Sie können diese Seite schließen.",
    not_me="Das war ich nicht",
    email_taken="Diese Adresse gehört inzwischen zu einem anderen Konto. Es wurde nichts geändert.",
    freeze_title="Ihr Konto sperren?",
    freeze_lead="Wenn jemand anderes die Adresse Ihres Kontos ändert: Alle Geräte werden abgemeldet, die Adresse bleibt"
    " oder wird wieder Ihre, das Passwort gilt nicht mehr, und Sie setzen auf der nächsten Seite ein neues.",
    freeze="Ich war es nicht: Konto sperren",
    disabled_title="Ihr Konto ist gesperrt",
    disabled_lead="Alle Geräte sind abgemeldet, und niemand kommt hinein. Ihre Adresse gehört inzwischen zu einem"
    " anderen Konto und konnte nicht zurückgeholt werden: Bitte wenden Sie sich an den Betreiber dieses Dienstes.",
    violations={
        "password_too_short": "Dieses Passwort ist zu kurz; ein ganzer Satz ist gut.",
        "password_too_long": "Dieses Passwort ist zu lang.",
        "password_common": "Dieses Passwort gehört zu denen, die zuerst probiert werden.",
        "password_repeated": "Dieses Passwort wiederholt sich.",
        "password_sequence": "Dieses Passwort folgt einer Reihe.",
        "password_keyboard_walk": "Dieses Passwort folgt den Tasten der Tastatur.",
        "password_derived": "Dieses Passwort ist aus Ihren eigenen Namen oder dem Namen dieses Dienstes gebildet.",
        "password_guessable": "Dieses Passwort ist leicht zu erraten.",
        "password_breached": "Dieses Passwort wurde bei einem Datenleck eines anderen Dienstes veröffentlicht.",
        "invalid_password": "Ein Passwort hat keine Steuerzeichen.",
    },
)
