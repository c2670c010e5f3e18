package v1

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// agePayload is the least that stands behind the header of an age file: the nonce, and the tag of the last chunk (C2SP age.md, section
// "Payload").
const agePayload = 16 + 16

// AgeFile is the age file in an armored text, with what keeps hactl from decrypting it whoever has the keys. The error never repeats the
// text, which could be a secret that somebody forgot to encrypt.
func AgeFile(text string) ([]byte, error) {
	const write = "write it with hactl secret encrypt, or with age -a -r RECIPIENT"
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "AGE-SECRET-KEY-"), strings.HasPrefix(text, "AGE-PLUGIN-"):
		return nil, fmt.Errorf("is a private key; it opens every secret that was encrypted for it: take it out, and use another one from now on")
	case strings.HasPrefix(text, "age1"), strings.HasPrefix(text, "ssh-"):
		return nil, fmt.Errorf("is a recipient, not an encrypted value; %s", write)
	case strings.HasPrefix(text, "age-encryption.org/"):
		return nil, fmt.Errorf("is an age file without armor; %s", write)
	case !strings.HasPrefix(text, armor.Header):
		return nil, fmt.Errorf("is no armored age file, which begins with %s; %s", armor.Header, write)
	case strings.Contains(text, armor.Header+" "):
		return nil, fmt.Errorf("stands on one line; write the age file as a block, with age: | and its lines below")
	}
	file, err := io.ReadAll(armor.NewReader(strings.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("is a damaged age file: its armor (base64 in lines of 64, up to %s) cannot be read; copy it again, or make it anew with hactl secret encrypt", armor.Footer)
	}
	header, err := age.ExtractHeader(bytes.NewReader(file))
	switch {
	case err != nil:
		return nil, fmt.Errorf("is a damaged age file: its header cannot be read; copy it again, or make it anew with hactl secret encrypt")
	case bytes.Contains(header, []byte("\n-> scrypt ")):
		return nil, fmt.Errorf("is encrypted with a passphrase, which hactl has nobody to ask for; encrypt it for a key: hactl secret encrypt -r RECIPIENT")
	case len(file) < len(header)+agePayload:
		return nil, fmt.Errorf("is a damaged age file: it ends before its value; copy it again, or make it anew with hactl secret encrypt")
	}
	return file, nil
}

func checkAge(s string) string {
	if _, err := AgeFile(s); err != nil {
		return err.Error()
	}
	return ""
}
