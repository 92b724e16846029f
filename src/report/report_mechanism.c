/* What the cells did: readouts of the model that no trial measures. */
#include "report_int.h"

void prc_report_mechanism(prc_page *p)
{
    prc_section(p, "mechanism", "Mechanism", "What the cells did, when they were gone, and what lasted after them. None of these curves is measured in the trial.");
    for (size_t pop = 0; pop < p->n_pop; pop++) {
        const char *who = p->n_pop > 1 ? prc_page_text(p, " (%s)", prc_pop_name(p, pop)) : "";
        prc_report_panels(p, pop, 1u << PRC_OB_READOUT, false, prc_page_text(p, "mechanism-%zu", pop),
                          prc_page_text(p, "Cells, signal, immune and tissue states: median by arm%s", who), 3);
    }
    prc_section_end(p);
}
