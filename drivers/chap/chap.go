// Package chap is what both sides of iSCSI share: users and passwords of CHAP. It is no layer of its own.
package chap

import (
	"fmt"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// CHAP are users and passwords, both ways.
type CHAP struct {
	User           string         `json:"user,omitempty"`
	Password       reconcile.Text `json:"password,omitzero"`
	MutualUser     string         `json:"mutualUser,omitempty"`
	MutualPassword reconcile.Text `json:"mutualPassword,omitzero"`
}

// Of gives what a manifest says, with the passwords' values. at is the field ("spec.acls[0].auth"). What one of the two sides could not take
// is an error.
func Of(o *v1.Object, at string, a *v1.CHAP, secrets reconcile.Secrets) (*CHAP, error) {
	c := &CHAP{User: a.User, MutualUser: a.MutualUser, Password: secrets.Value(o, at+".password")}
	err := check(at+".password", c.Password)
	if a.MutualPassword != nil && err == nil {
		c.MutualPassword = secrets.Value(o, at+".mutualPassword")
		err = check(at+".mutualPassword", c.MutualPassword)
	}
	if err == nil && a.MutualPassword != nil && c.Password.Equal(c.MutualPassword) {
		err = fmt.Errorf("%s: password and mutualPassword are the same, which open-iscsi refuses; choose two", at)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", o.Pos(at), o.Kind, o.Metadata.Name, err)
	}
	return c, nil
}

// check tells what LIO's configfs or open-iscsi's records could not hold. Both take at most 255 bytes.
func check(at string, p reconcile.Text) error {
	s := p.Reveal()
	switch {
	case !p.Comparable():
	case s == "" || len(s) > 255:
		return fmt.Errorf("%s has %d characters; LIO and open-iscsi take 1 to 255", at, len(s))
	case strings.ContainsAny(s, "\n\r\x00") || strings.TrimSpace(s) != s:
		return fmt.Errorf("%s has spaces around it or several lines; neither side could hold it", at)
	case strings.HasPrefix(s, "NULL"):
		return fmt.Errorf("%s begins with NULL, which LIO takes for no password; choose another", at)
	}
	return nil
}
