package v1

import "fmt"

// Alert runs a script when something happens in the cluster. Its name is the XML id.
type Alert struct {
	Object
	// Spec is the desired state.
	Spec AlertSpec `json:"spec"`
}

// AlertSpec is the desired state of an Alert.
type AlertSpec struct {
	// Path is the script on every node.
	Path string `json:"path" cib:"path"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Script is put to Path on every node; left out, the script is there already.
	Script *Script `json:"script,omitempty"`
	// Select limits the events; without it all but changes of node attributes count.
	Select *AlertSelect `json:"select,omitempty"`
	// Params are environment variables of the script (instance attributes).
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of them.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Meta are Pacemaker's options: timeout, timestamp-format, enabled.
	Meta Options `json:"meta,omitempty" options:"alert"`
	// MetaSets are further sets of options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"alert"`
	// Recipients are whom it tells: the script runs once for each.
	Recipients []AlertRecipient `json:"recipients,omitempty"`
}

// AlertSelect lists the kinds of events that an alert is for.
type AlertSelect struct {
	// Nodes are changes of membership.
	Nodes bool `json:"nodes,omitempty"`
	// Fencing are fencing operations.
	Fencing bool `json:"fencing,omitempty"`
	// Resources are resource operations.
	Resources bool `json:"resources,omitempty"`
	// Attributes are changes of node attributes; with names only of these.
	Attributes *AlertAttributes `json:"attributes,omitempty"`
}

// AlertAttributes limits the events of node attributes.
type AlertAttributes struct {
	// Names of the attributes; none: all.
	Names []string `json:"names,omitempty"`
}

// AlertRecipient is one recipient of an alert.
type AlertRecipient struct {
	// Value is handed to the script: a file, a mail address, whatever the script takes.
	Value string `json:"value" cib:"value"`
	// ID is the XML id; the default is ALERT-recipient, then ALERT-recipient-1 and so on.
	ID string `json:"id,omitempty" check:"id"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Params are environment variables of the script for this recipient.
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of them.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Meta are Pacemaker's options for this recipient.
	Meta Options `json:"meta,omitempty" options:"alert"`
	// MetaSets are further sets of options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"alert"`
}

// Script is a file that is put on every node.
type Script struct {
	// Content is the text of the script. Either Content or Copy is given.
	Content string `json:"content,omitempty"`
	// Copy is a file that is on the node already and is copied, such as an example that a package ships.
	Copy string `json:"copy,omitempty"`
	// Mode is the octal mode of the file; the default is 0755.
	Mode string `json:"mode,omitempty" check:"mode"`
}

// SetDefaults sets nothing but the type.
func (a *Alert) SetDefaults() { a.setType("Alert") }

// RecipientID is the XML id of a recipient of the list, the default included, as pcs makes it: ALERT-recipient, ALERT-recipient-1, …
func (a *Alert) RecipientID(i int) string {
	switch id := a.Spec.Recipients[i].ID; {
	case id != "":
		return id
	case i == 0:
		return a.Metadata.Name + "-recipient"
	}
	return fmt.Sprintf("%s-recipient-%d", a.Metadata.Name, i)
}

func (a *Alert) validate(*checker) {} // its script is checked with the files
