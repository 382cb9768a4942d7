"""The pages in French."""

from interfaces.http.pages.texts import Texts

FRENCH = Texts(
    language="fr",
    new_password_title="Choisissez un nouveau mot de passe",
    new_password_lead="Tous les appareils connectés à votre compte, celui-ci compris, seront déconnectés.",
    new_password_label="Nouveau mot de passe",
    new_password_hint="Plus il est long, mieux c'est : quelques mots sans rapport entre eux sont faciles à retenir et"
    " difficiles à deviner.",
    repeat_label="Le même, encore une fois",
    save="Enregistrer le mot de passe",
    not_the_same="Les deux mots de passe ne sont pas identiques.",
    done_title="Votre nouveau mot de passe est enregistré",
    done_lead="Vous avez été déconnecté partout. Connectez-vous avec le nouveau mot de passe.",
    dead_link_title="Ce lien ne fonctionne pas",
    dead_link_lead="Il a déjà servi, a expiré ou n'a pas été copié en entier. Demandez-en un nouveau.",
    foreign_title="Ce formulaire vient d'un autre site",
    foreign_lead="Rien n'a été modifié. Ouvrez de nouveau le lien et utilisez la page à laquelle il mène.",
    busy="Le service est très sollicité. Rien n'a été modifié : réessayez dans un instant.",
    verify_title="Confirmez votre adresse e-mail",
    verify_lead="Confirmez avec le mot de passe du compte que cette adresse est la vôtre. Le lien seul confirmerait"
    " aussi l'adresse d'une personne qui s'est inscrite avec la vôtre.",
    password_label="Mot de passe",
    confirm="Confirmer l'adresse",
    verified_title="Votre adresse est confirmée",
    verified_lead="Vous pouvez fermer cette page.",
    wrong_password="Ce n'est pas le mot de passe du compte.",
    too_many_attempts="Il y a eu trop de tentatives. Attendez quelques minutes, puis réessayez.",
    reject_title="Ce n'était pas vous ?",
    reject_lead="Quelqu'un a donné votre adresse comme la sienne. Dites que ce n'était pas vous : un compte créé avec"
    " elle sera supprimé, et un compte qui devait la recevoir gardera celle qu'il a.",
    reject="Ce n'était pas moi",
    rejected_title="Merci : votre adresse reste la vôtre",
    rejected_lead="Aucun compte ne l'a plus par cette demande. Vous pouvez fermer cette page.",
    not_me="Ce n'était pas moi",
    email_taken="Cette adresse appartient désormais à un autre compte. Rien n'a été modifié.",
    freeze_title="Bloquer votre compte ?",
    freeze_lead="Si quelqu'un d'autre change l'adresse de votre compte : tous les appareils seront déconnectés,"
    " l'adresse restera ou redeviendra la vôtre, le mot de passe ne vaudra plus, et vous en choisirez un autre à la"
    " page suivante.",
    freeze="Ce n'était pas moi : bloquer le compte",
    disabled_title="Votre compte est bloqué",
    disabled_lead="Tous les appareils sont déconnectés, et personne ne peut entrer. Votre adresse appartient désormais"
    " à un autre compte et n'a pas pu être rétablie : écrivez à l'exploitant de ce service.",
    violations={
        "password_too_short": "Ce mot de passe est trop court ; une phrase entière convient.",
        "password_too_long": "Ce mot de passe est trop long.",
        "password_common": "Ce mot de passe fait partie de ceux que l'on essaie en premier.",
        "password_repeated": "Ce mot de passe se répète.",
        "password_sequence": "Ce mot de passe suit une série.",
        "password_keyboard_walk": "Ce mot de passe suit les touches du clavier.",
        "password_derived": "Ce mot de passe est formé de vos propres noms ou du nom de ce service.",
        "password_guessable": "Ce mot de passe est facile à deviner.",
        "password_breached": "Ce mot de passe a été publié lors d'une fuite de données d'un autre service.",
        "invalid_password": "Un mot de passe ne contient pas de caractères de contrôle.",
    },
)
