/* The report: one page, ten sections, first screen first. */
#include "report_int.h"

prc_status prc_report_html(const prc_report_input *in, prc_text *out, prc_error *err)
{
    prc_page page;
    prc_status st = prc_page_init(&page, in, err);
    if (st == PRC_OK) {
        prc_html_head(&page);
        prc_report_head(&page);
        prc_h(&page, "<main>\n");
        prc_report_read_first(&page);
        prc_report_answer(&page);
        prc_report_over_time(&page);
        prc_report_record(&page);
        prc_report_patients(&page);
        prc_report_events(&page);
        prc_report_mechanism(&page);
        prc_report_drivers(&page);
        prc_report_method(&page);
        prc_h(&page, "</main>\n");
        prc_html_tail(&page);
        if (page.failed || page.out.failed) st = prc_fail(err, PRC_E_MEMORY, "out of memory");
    }
    if (st == PRC_OK) {
        *out = page.out;
        page.out = (prc_text){ 0 };
    }
    prc_page_reset(&page);
    return st;
}
