package conf

import (
	"cmp"
	"slices"
	"strings"
)

// volume reads "volume N { … }" and keeps the volumes in the order of their numbers.
func (p *parser) volume(to *[]*Volume, c *cursor, statement func(*Volume, *node) error) error {
	number, err := c.number("the volume's number", 0, maxVolume)
	if err == nil {
		err = c.open()
	}
	if err != nil {
		return err
	}
	v := &Volume{Number: number, Pos: c.n.pos()}
	at, twice := slices.BinarySearchFunc(*to, number, func(v *Volume, n int) int { return cmp.Compare(v.Number, n) })
	if twice {
		return errAt(v.Pos, "volume %d is given twice, or beside statements that mean volume 0: the first is at %s", number, (*to)[at].Pos)
	}
	*to = slices.Insert(*to, at, v)
	for _, n := range c.n.body {
		p.fail(statement(v, n))
	}
	return nil
}

// implicitVolume is the volume that device, disk and meta-disk outside of a volume section speak of.
func implicitVolume(vs *[]*Volume, n *node) (*Volume, error) {
	switch {
	case len(*vs) == 0:
		*vs = []*Volume{{Implicit: true, Pos: n.pos()}}
	case !(*vs)[0].Implicit:
		return nil, errAt(n.pos(), "%s stands beside volume sections: put it into one of them", n.words[0].text)
	}
	return (*vs)[0], nil
}

func (p *parser) volumeStatement(v *Volume, n *node) error {
	c := n.cursor()
	switch {
	case n.is("disk") && n.block:
		if err := c.open(); err != nil {
			return err
		}
		v.Options, _ = p.options(n, false)
		for i := range v.Options {
			v.Options[i] = renamed(v.Options[i])
		}
		return nil
	case n.is("disk"):
		w, err := c.name("a block device or none")
		v.Disk = w.text
		return cmp.Or(err, c.close())
	case n.is("device"):
		return v.device(c)
	case n.is("meta-disk"), n.is("flexible-meta-disk"):
		w, err := c.name("internal or a block device")
		if err != nil {
			return err
		}
		v.MetaDisk, v.MetaIndex = w.text, nil
		if n.is("meta-disk") && w.text != "internal" && c.take("[") {
			index, err := c.number("the index", 0, 1<<31-1)
			if err != nil {
				return err
			}
			if !c.take("]") {
				return c.expected("]", c.next())
			}
			v.MetaIndex = &index
		}
		return c.close()
	case n.is("skip"):
		return nil
	}
	return n.unknown("device, disk, meta-disk, flexible-meta-disk or skip")
}

// stackedVolumeStatement reads what a volume on top of another resource has: its disk is the device below.
func (p *parser) stackedVolumeStatement(v *Volume, n *node) error {
	if n.is("device") || n.is("disk") && n.block {
		return p.volumeStatement(v, n)
	}
	return n.unknown("device or a disk section")
}

// device reads "device /dev/drbdN ;", "device minor N ;" or "device /dev/drbd_NAME minor N ;".
func (v *Volume) device(c *cursor) error {
	pos := c.pos()
	if v.Device != "" || v.Minor != nil {
		return errAt(c.n.pos(), "volume %d: device is given twice", v.Number)
	}
	if !c.take("minor") {
		w, err := c.name("/dev/drbdN or minor")
		if err != nil {
			return err
		}
		v.Device = w.text
		if strings.HasPrefix(v.Device, "drbd") {
			v.Device = "/dev/" + v.Device
		}
		if !strings.HasPrefix(v.Device, "/dev/drbd") {
			return errAt(w.pos, "the device %s must begin with /dev/drbd", w.text)
		}
		if !c.more() {
			if _, ok := v.minorOf(); !ok {
				return errAt(w.pos, "%s does not tell the minor number: write /dev/drbdN, or minor N behind it", w.text)
			}
			return c.close()
		}
		if !c.take("minor") {
			return c.expected("minor or ;", c.next())
		}
	}
	minor, err := c.number("the minor number", 0, maxMinor)
	if err = cmp.Or(err, c.close()); err != nil {
		return err
	}
	if digits := strings.TrimPrefix(v.Device, "/dev/drbd"); v.Device != "" && !strings.HasPrefix(digits, "_") {
		if n, ok := v.minorOf(); !ok || n != minor {
			return errAt(pos, "%s and minor %d do not go together: a device with a name of its own begins with /dev/drbd_", v.Device, minor)
		}
	}
	v.Minor = &minor
	return nil
}
